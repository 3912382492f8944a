import { parentPort } from 'node:worker_threads'
import { AppError } from '../../src/errors.ts'
import { answerOf } from '../../src/workers/answer.ts'

/** What a thread of the pool's tests runs: jobs that end in every way that one can. */
export type TestJob =
  | { readonly kind: 'echo'; readonly value: string }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'fail' }
  | { readonly kind: 'exit' }
  | { readonly kind: 'exhaust' }
  | { readonly kind: 'hang' }

parentPort?.on('message', (job: TestJob) => {
  void answerOf(() => perform(job)).then((answer) => parentPort?.postMessage(answer))
})

async function perform(job: TestJob): Promise<unknown> {
  switch (job.kind) {
    case 'echo':
      return Promise.resolve(job.value)
    case 'refuse':
      throw new AppError('chart-invalid', 'the reason', { cause: new Error('beneath') })
    case 'fail':
      throw new TypeError('a defect')
    case 'exit':
      return process.exit(0)
    case 'exhaust':
      return exhaust()
    case 'hang':
      return new Promise(() => undefined)
  }
}

function exhaust(): unknown {
  const kept: number[][] = []
  for (;;) kept.push(Array.from({ length: 10_000 }, (_, place) => place))
}
