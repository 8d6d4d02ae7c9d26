interface Place<T> {
  readonly value: T
  next: Place<T> | null
}

/**
 * First in, first out. Linked, because an array whose entries come and go either keeps those that are gone for a while or is
 * copied again and again, and what an old copy refers to lives until the next full collection (bench/README.md). For the
 * same reason a place that is left refers to nobody behind it.
 */
export class Queue<T> {
  #first: Place<T> | null = null
  #last: Place<T> | null = null
  #length = 0

  get length(): number {
    return this.#length
  }

  get first(): T | undefined {
    return this.#first?.value
  }

  push(value: T): void {
    const place = { value, next: null }
    if (this.#last === null) this.#first = place
    else this.#last.next = place
    this.#last = place
    this.#length++
  }

  shift(): T | undefined {
    const place = this.#first
    if (place === null) return undefined
    this.#first = place.next
    place.next = null
    if (this.#first === null) this.#last = null
    this.#length--
    return place.value
  }

  *[Symbol.iterator](): Generator<T> {
    for (let place = this.#first; place !== null; place = place.next) yield place.value
  }
}
