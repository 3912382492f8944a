/** Stands before a call of one of the intercepted methods: makes it, or does something else. */
export type Interceptor<Name> = (name: Name, call: () => Promise<unknown>) => Promise<unknown>

/**
 * The same object, but for some methods, all of which return promises: a call of them goes to the interceptor, which
 * resolves to what the caller gets.
 */
export function intercept<T extends object, Name extends keyof T>(
  target: T,
  names: readonly Name[],
  interceptor: Interceptor<Name>,
): T {
  return new Proxy(target, {
    get: (_target, property) => {
      const member: unknown = Reflect.get(target, property)
      if (typeof member !== 'function') return member
      const name = names.find((candidate) => candidate === property)
      return (...args: unknown[]): unknown => {
        const call = (): unknown => Reflect.apply(member, target, args)
        return name === undefined ? call() : interceptor(name, call as () => Promise<unknown>)
      }
    },
  })
}
