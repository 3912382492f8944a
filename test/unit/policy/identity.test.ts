import assert from 'node:assert/strict'
import { auditNameOf, describeIdentity } from '../../../src/policy/identity.ts'
import { identity } from '../../support/identity.ts'

describe('auditNameOf', () => {
  it('tells apart what has the same value under another trust anchor, or of another kind', () => {
    const admin = { kind: 'dns', value: 'admin' } as const
    assert.equal(auditNameOf(identity(admin)), 'built-in dns:"admin"')
    assert.equal(auditNameOf(identity({ ...admin, anchor: 'company' })), 'company dns:"admin"')
    assert.equal(auditNameOf(identity({ ...admin, kind: 'cn' })), 'built-in cn:"admin"')
  })

  it('escapes what a certificate chose for itself', () => {
    assert.equal(describeIdentity(identity({ value: '"\n' })), '"\\"\\n"')
  })
})
