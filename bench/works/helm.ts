import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dump } from 'js-yaml'
import { agentOf, exchange } from '../../test/support/exchange.ts'
import { type HelmBinary, helmBinaries, runHelm } from '../../test/support/helm-binaries.ts'
import { TICK_MS } from '../load/process-tree.ts'
import { type Check } from '../report/result.ts'
import { median, pairedRatios } from '../report/statistics.ts'
import { startChartroom } from '../servers/chartroom.ts'
import { startNginx } from '../servers/nginx.ts'
import { type Context, type Measured } from './context.ts'
import { INDEX_PATH, prepareSized, REPOSITORY } from './sized-server.ts'

const VERSIONS = 10_000
const RELEASES = ['helm-3-18', 'helm-4-2']
const MOST_ROUNDS = 7
const TARGET = { most: 0.35 }

/** `helm repo update` with real Helm: our index beside the same one as YAML from nginx. */
export async function measureHelm(context: Context): Promise<Measured> {
  const helms = helmBinaries().filter(({ name }) => RELEASES.includes(name))
  if (context.peers.nginx === undefined || helms.length === 0) return { checks: [] }
  const ours = await startChartroom(await prepareSized(context, { versions: VERSIONS }))
  const root = join(context.folder, 'yaml')
  await writeYamlIndex(context, ours.port, root)
  const nginx = await startNginx(
    { ...context.peers.nginx, folder: join(context.folder, 'nginx'), root },
    context.certificates,
  )
  const checks: Check[] = []
  for (const helm of helms) checks.push(...(await compare(context, helm, [ours.port, nginx.port])))
  await Promise.all([ours.stop(), nginx.stop()])
  return { checks }
}

async function writeYamlIndex({ certificates }: Context, port: number, root: string): Promise<void> {
  const agent = agentOf(certificates.ca.certificatePem, certificates.reader, 'used once')
  const { bytes } = await exchange(agent, 'GET', `https://localhost:${port}${INDEX_PATH}`)
  agent.destroy()
  await mkdir(join(root, REPOSITORY), { recursive: true })
  await writeFile(join(root, REPOSITORY, 'index.yaml'), dump(JSON.parse(bytes.toString()), { lineWidth: -1 }))
}

interface Run {
  readonly cpuMs: number
  readonly wallMs: number
}

async function compare(
  context: Context,
  helm: HelmBinary,
  ports: readonly [number, number],
): Promise<Check[]> {
  const homes = await Promise.all(ports.map((port) => addRepository(context, helm, port)))
  const runs = homes.map(() => [] as Run[])
  for (let round = 0; round < Math.min(context.options.rounds, MOST_ROUNDS); round += 1)
    for (const [index, home] of homes.entries()) runs[index]?.push(await update(helm, home))
  const [ours = [], theirs = []] = runs
  return (['cpuMs', 'wallMs'] as const).map((key) => {
    const values = (of: readonly Run[]): readonly number[] => of.map((run) => run[key])
    return {
      title: `helm repo update, ${helm.version}, ${VERSIONS} versions: client ${key === 'cpuMs' ? 'CPU' : 'time'} ÷ YAML from nginx`,
      value: pairedRatios(values(ours), values(theirs)).median,
      unit: 'ratio',
      target: TARGET,
      from: { 'ours, ms': median(values(ours)), 'YAML from nginx, ms': median(values(theirs)) },
    }
  })
}

/** A home of its own for each repository. */
async function addRepository(
  { certificates, folder }: Context,
  helm: HelmBinary,
  port: number,
): Promise<string> {
  const home = join(folder, `${helm.name}-${port}`)
  await mkdir(home)
  const { readerFiles, caFile } = certificates
  const tls = ['--ca-file', caFile, '--cert-file', readerFiles.certFile, '--key-file', readerFiles.keyFile]
  await succeed(helm, ['repo', 'add', 'bench', `https://localhost:${port}/${REPOSITORY}`, ...tls], home)
  return home
}

async function update(helm: HelmBinary, home: string): Promise<Run> {
  const before = await cpuOfChildren()
  const start = performance.now()
  await succeed(helm, ['repo', 'update', 'bench'], home)
  return { wallMs: performance.now() - start, cpuMs: (await cpuOfChildren()) - before }
}

async function succeed(helm: HelmBinary, args: readonly string[], home: string): Promise<void> {
  const { code, stderr } = await runHelm(helm, args, { home })
  if (code !== 0) throw new Error(`${helm.name} ${args.slice(0, 2).join(' ')} failed: ${stderr}`)
}

/** Positions of `cutime` and `cstime` in `stat` behind the command's name (proc(5)): of the children that have ended. */
const CUTIME = 13
const CSTIME = 14

async function cpuOfChildren(): Promise<number> {
  const stat = await readFile('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[CUTIME]) + Number(fields[CSTIME])) * TICK_MS
}
