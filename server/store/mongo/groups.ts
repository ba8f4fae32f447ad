interface Task<I, O> {
  readonly item: I
  readonly done: (answer: O) => void
  readonly failed: (error: unknown) => void
}

/** One group takes no more than this, so that nothing waits behind a large one. */
const ITEMS = 200
/** Groups under way at once. What comes meanwhile is the next group: the more there is to do, the larger they are. */
const AT_ONCE = 2

/**
 * Does in groups what is asked for one by one: under load a command for many costs a fraction of what one for each would.
 * What comes when nothing is under way waits for no others.
 */
export class Groups<I, O> {
  readonly #work: (items: readonly I[]) => Promise<readonly PromiseSettledResult<O>[]>
  #tasks: Task<I, O>[] = []
  #underWay = 0

  /** `work` answers for each item, in their order; when it rejects, all of them do. */
  constructor(work: (items: readonly I[]) => Promise<readonly PromiseSettledResult<O>[]>) {
    this.#work = work
  }

  do(item: I): Promise<O> {
    return new Promise((done, failed) => {
      this.#tasks.push({ item, done, failed })
      if (this.#underWay < AT_ONCE) void this.#drain()
    })
  }

  async #drain(): Promise<void> {
    this.#underWay++
    while (this.#tasks.length > 0) {
      const tasks = this.#tasks.splice(0, ITEMS)
      try {
        const answers = await this.#work(tasks.map(({ item }) => item))
        answers.forEach((answer, index) => {
          const { done, failed } = tasks[index]!
          if (answer.status === 'fulfilled') done(answer.value)
          else failed(answer.reason)
        })
      } catch (error) {
        for (const { failed } of tasks) failed(error)
      }
    }
    this.#underWay--
  }
}
