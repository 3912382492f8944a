/**
 * Works on the items as they come, some at a time. After a failure nothing new is begun; rejects with it once nothing is
 * under way any more.
 */
export async function inParallel<T>(
  items: AsyncIterable<T>,
  jobs: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]()
  const state = { hasFailed: false }
  const workers = Array.from({ length: jobs }, async () => {
    try {
      while (!state.hasFailed) {
        const next = await iterator.next()
        if (next.done === true) return
        await work(next.value)
      }
    } catch (error) {
      state.hasFailed = true
      throw error
    }
  })
  await Promise.allSettled(workers)
  await iterator.return?.()
  await Promise.all(workers)
}
