import type { PipelineJob } from './pipeline-job.ts'

/**
 * Cancels jobs that are past their deadline. One timer for all: a timer per request would cost more than this.
 *
 * A list linked through the jobs, not a Set: as its entries come and go, V8 copies a Set's table again and again, and each
 * table refers to the next one and to the jobs of its time. One table that has grown old thus keeps all later ones and their
 * jobs until the next full collection, and the collector of young objects copies them all: 15 % of the CPU of a read.
 */
export class DeadlineWatch {
  #first: PipelineJob | null = null
  #timer: NodeJS.Timeout | null = null

  add(job: PipelineJob): void {
    if (job.deadline === Infinity) return
    job.next = this.#first
    if (this.#first !== null) this.#first.previous = job
    this.#first = job
    this.#timer ??= setInterval(() => this.#check(), everyMs)
  }

  remove(job: PipelineJob): void {
    const { previous, next } = job
    if (previous !== null) previous.next = next
    else if (this.#first === job) this.#first = next
    if (next !== null) next.previous = previous
    job.previous = null
    job.next = null
  }

  #check(): void {
    const now = performance.now()
    for (let job = this.#first; job !== null;) {
      // `cancel` removes it.
      const { next } = job
      if (job.deadline <= now) job.cancel('the deadline of the request passed')
      job = next
    }
    if (this.#first !== null || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }
}

const everyMs = 20
