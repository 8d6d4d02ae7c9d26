/** Counts what is held, in all and per project, against two limits. */
export class Places {
  readonly #max: number
  readonly #perProjectMax: number
  readonly #held = new Map<string, number>()
  #inAll = 0

  constructor(max: number, perProjectMax: number) {
    this.#max = max
    this.#perProjectMax = perProjectMax
  }

  get inAll(): number {
    return this.#inAll
  }

  of(project: string): number {
    return this.#held.get(project) ?? 0
  }

  /** A place that is given back once, or why there is none. */
  take(project: string): { readonly release: () => void } | 'full' | 'project full' {
    const held = this.of(project)
    if (held >= this.#perProjectMax) return 'project full'
    if (this.#inAll >= this.#max) return 'full'
    this.#held.set(project, held + 1)
    this.#inAll += 1
    let isHeld = true
    return {
      release: () => {
        if (!isHeld) return
        isHeld = false
        this.#inAll -= 1
        const left = this.of(project) - 1
        if (left === 0) this.#held.delete(project)
        else this.#held.set(project, left)
      },
    }
  }
}
