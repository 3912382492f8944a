import { access } from 'node:fs/promises'

/** Whether there is something of this name now; not for deciding what is about to be written without a race. */
export async function hasFile(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
