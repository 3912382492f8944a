import { AppError, isSystemError } from '../errors.ts'

/** What leaves the folder in place of an error of the file system. */
export function translateDiskError(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (isSystemError(error, 'ENOSPC') || isSystemError(error, 'EDQUOT')) {
    return new AppError('storage-full', 'the blob store has no room left on its disk', { cause: error })
  }
  return new AppError('unavailable', 'the blob store failed', { cause: error })
}

/** Waits for the result; an error of the file system comes out as an AppError. */
export async function onDisk<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw translateDiskError(error)
  }
}
