import type { Answer } from './render/response.ts'

/** `Server-Timing`: milliseconds that each phase took. Measures nothing while it is switched off. */
export class Timing {
  readonly #isOn: boolean
  readonly #parts: string[] = []
  #at = 0

  constructor(isOn: boolean) {
    this.#isOn = isOn
    if (isOn) this.#at = performance.now()
  }

  end(phase: 'jwt' | 'parse' | 'plan' | 'transaction' | 'response'): void {
    if (!this.#isOn) return
    const now = performance.now()
    this.#parts.push(`${phase};dur=${(now - this.#at).toFixed(1)}`)
    this.#at = now
  }

  addTo(answer: Answer): Answer {
    if (!this.#isOn) return answer
    return { ...answer, headers: [...answer.headers, ['Server-Timing', this.#parts.join(', ')]] }
  }
}
