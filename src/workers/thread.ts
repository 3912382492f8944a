import { parentPort } from 'node:worker_threads'
import { answerOf } from './answer.ts'
import { performJob, type ReadJob } from './jobs.ts'

/** What a thread of `ArchiveReader` runs: it answers each job with one message. */

parentPort?.on('message', (job: ReadJob) => {
  void answerOf(() => performJob(job)).then((answer) => parentPort?.postMessage(answer))
})
