import type { PipelineJob } from './pipeline-job.ts'

/** Cancels jobs that are past their deadline. One timer for all: a timer per request would cost more than this. */
export class DeadlineWatch {
  readonly #jobs = new Set<PipelineJob>()
  #timer: NodeJS.Timeout | null = null

  add(job: PipelineJob): void {
    if (job.deadline === Infinity) return
    this.#jobs.add(job)
    this.#timer ??= setInterval(() => this.#check(), everyMs)
  }

  remove(job: PipelineJob): void {
    if (job.deadline !== Infinity) this.#jobs.delete(job)
  }

  #check(): void {
    const now = performance.now()
    for (const job of this.#jobs) if (job.deadline <= now) job.cancel('the deadline of the request passed')
    if (this.#jobs.size > 0 || this.#timer === null) return
    clearInterval(this.#timer)
    this.#timer = null
  }
}

const everyMs = 20
