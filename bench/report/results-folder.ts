import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isSystemError } from '../../src/errors.ts'
import { WORK_NAMES } from '../works/names.ts'
import { type Result } from './result.ts'

/** Below it the results are noise; they are kept, so they are kept short. */
const SIGNIFICANT_DIGITS = 4

export async function saveResult(folder: string, result: Result): Promise<void> {
  await mkdir(folder, { recursive: true })
  const round = (_key: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isInteger(value)
      ? Number(value.toPrecision(SIGNIFICANT_DIGITS))
      : value
  await writeFile(join(folder, `${result.work}.json`), `${JSON.stringify(result, round, 2)}\n`)
}

/** Those that are there, in the order of the tables. */
export async function readResults(folder: string): Promise<readonly Result[]> {
  const results = await Promise.all(WORK_NAMES.map((work) => readResult(join(folder, `${work}.json`))))
  return results.flatMap((result) => result ?? [])
}

async function readResult(file: string): Promise<Result | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Result
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    throw error
  }
}
