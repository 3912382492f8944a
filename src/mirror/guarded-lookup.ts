import { lookup, type LookupAddress } from 'node:dns'
import { type LookupFunction } from 'node:net'
import { quoted } from '../text.ts'
import { upstreamInvalid } from './upstream-error.ts'

/**
 * Looks a name up for a connection and gives only the addresses that may be connected to: what it gives is what the
 * socket takes, so a name that means another address a moment later changes nothing. `resolve` is Node's unless said.
 */
export function guardedLookup(isAllowed: (address: string) => boolean, resolve = lookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const allowed = error === null ? addresses.filter(({ address }) => isAllowed(address)) : []
      const [first] = allowed
      if (error !== null) callback(error, '', 0)
      else if (first === undefined) callback(privateAddress(hostname, addresses[0]), '', 0)
      else if (options.all === true) callback(null, allowed)
      else callback(null, first.address, first.family)
    })
  }
}

export function privateAddress(host: string, address?: LookupAddress): Error {
  const which = address === undefined ? '' : ` (${address.address})`
  return upstreamInvalid(
    `${quoted(host)} is at a private address${which}, in no network that privateAddresses lists`,
  )
}
