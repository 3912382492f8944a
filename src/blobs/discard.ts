import { type StagedBlob } from './blob-store.ts'

/**
 * Discards at the end of a use-case, whatever came of it. Its failing changes nothing of that: an outcome is as true,
 * and an error as much the cause, as before, and the store removes what is left when it is closed or opened again.
 */
export async function discardAtEnd(staged: StagedBlob | undefined): Promise<void> {
  await staged?.discard().catch(() => undefined)
}
