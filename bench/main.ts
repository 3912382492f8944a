import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cleanUpAtExit, temporaryFolder } from './at-exit.ts'
import { LOAD_CORE, pinThisProcess } from './load/cores.ts'
import { HELP, type Options, readRequest } from './options.ts'
import { describeMachine } from './report/about.ts'
import { writeReport } from './report/document.ts'
import { type Result } from './report/result.ts'
import { saveResult } from './report/results-folder.ts'
import { checksTable, servingTable } from './report/tables.ts'
import { makeCertificates } from './servers/certificates.ts'
import { findPeers, type Peers } from './servers/peers.ts'
import { type Context, type Measured } from './works/context.ts'
import { type ServingName, type SizeName } from './works/names.ts'
import { startServingWorld } from './works/serving-world.ts'
import { type ServingWork, SERVING_WORKS } from './works/serving-works.ts'
import { measureServing } from './works/serving.ts'
import { SETTINGS } from './works/settings.ts'
import { SIZE_WORKS } from './works/size-works.ts'

/** `npm run bench`: measures what it is asked for, a result after the other. */

const DEFAULT_RESULTS = 'bench/results'

cleanUpAtExit()
try {
  const request = readRequest(process.argv.slice(2))
  if (request.do === 'help') console.log(HELP)
  else if (request.do === 'report') await writeReport(DEFAULT_RESULTS)
  else await run(request.options)
  process.exit(0)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}

async function run(options: Options): Promise<void> {
  const peers = findPeers(options, console.log)
  pinThisProcess(LOAD_CORE)
  const serving = SERVING_WORKS.filter(({ id }) => options.works.includes(id))
  const results = serving.length === 0 ? [] : await runServing(options, peers, serving)
  for (const work of options.works) {
    if (isServing(work)) continue
    const measured = await runSized(options, peers, work)
    results.push(await save(options, peers, work, measured))
  }
  if (results.length > 1) console.log(`Together:\n\n${servingTable(results)}\n${checksTable(results)}`)
}

function isServing(work: string): work is ServingName {
  return SERVING_WORKS.some(({ id }) => id === work)
}

async function runServing(options: Options, peers: Peers, works: readonly ServingWork[]): Promise<Result[]> {
  const indexes = new Set(works.flatMap(({ what }) => ('index' in what ? [what.index] : [])))
  const world = await startServingWorld(peers, [...indexes], {
    settings: SETTINGS,
    nodeOptions: options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`],
  })
  const results: Result[] = []
  for (const work of works) {
    const row = await measureServing(world, work, { rounds: options.rounds, sliceMs: options.seconds * 1000 })
    results.push(await save(options, peers, work.id, { serving: [row] }))
  }
  await world.stop()
  return results
}

async function runSized(options: Options, peers: Peers, work: SizeName): Promise<Measured> {
  const folder = join(temporaryFolder(), work)
  await mkdir(folder)
  const certificates = await makeCertificates(folder)
  const context: Context = { options, peers, folder, certificates, settings: SETTINGS }
  const measured = await SIZE_WORKS[work](context)
  await rm(folder, { recursive: true })
  return measured
}

/** At once: what was measured stays, whatever becomes of the rest. */
async function save(
  { rounds, seconds, versions, packages, minutes, results }: Options,
  peers: Peers,
  work: string,
  measured: Pick<Result, 'serving' | 'checks' | 'curves'>,
): Promise<Result> {
  const settings = { rounds, seconds, versions, packages, minutes }
  const result: Result = { work, about: describeMachine(peers.versions), settings, ...measured }
  await saveResult(results, result)
  console.log(`${servingTable([result])}${checksTable([result])}`)
  return result
}
