import { equal, rejects } from 'node:assert/strict'
import { onDisk, translateDiskError } from '../../../src/blobs/disk-errors.ts'
import { AppError } from '../../../src/errors.ts'

describe('translateDiskError', () => {
  for (const [system, code, message] of [
    ['ENOSPC', 'storage-full', /no room left/],
    ['EDQUOT', 'storage-full', /no room left/],
    ['EIO', 'unavailable', /blob store failed/],
    ['EROFS', 'unavailable', /blob store failed/],
  ] as const) {
    it(`turns ${system} into ${code}, keeps the cause and names no path`, async () => {
      const cause = Object.assign(new Error(`${system}: it failed, open '/srv/storage'`), { code: system })
      await rejects(onDisk(Promise.reject(cause)), { name: 'AppError', code, message, cause })
      equal(translateDiskError(cause).message.includes('/srv'), false)
    })
  }

  it('leaves an AppError as it is', () => {
    const error = new AppError('too-large', 'too large')
    equal(translateDiskError(error), error)
  })
})
