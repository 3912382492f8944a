import { type AliasNode, type MappingNode, type Node, SCALAR_STYLE, type ScalarNode } from 'js-yaml'
import { quoted } from '../text.ts'
import { chartInvalid } from './invalid.ts'
import { resolvePlainScalar, stringScalar, type YamlScalar } from './yaml-scalar.ts'

export type YamlValue = YamlScalar | YamlList | YamlMap
export type YamlList = readonly YamlValue[]
export type YamlMap = ReadonlyMap<string, YamlValue>

interface Anchored {
  readonly value: YamlValue
  /** Of the value with its aliases written out. */
  readonly length: number
}

/**
 * One document's values as go-yaml v2 and sigs.k8s.io/yaml make them for Helm. It is ours because a schema of js-yaml
 * cannot do it: in Helm, keys and merges (`<<`) override in the order in which they stand, the last one wins. Aliased
 * values are shared, and refused once they would be longer than `maxLength` written out. Throws `chart-invalid`.
 */
export class YamlComposer {
  readonly #file: string
  readonly #maxLength: number
  readonly #resolvePlain: typeof resolvePlainScalar
  readonly #anchors = new Map<string, Anchored>()
  #length = 0

  constructor(file: string, maxLength: number, resolvePlain = resolvePlainScalar) {
    this.#file = file
    this.#maxLength = maxLength
    this.#resolvePlain = resolvePlain
  }

  compose(node: Node | null): YamlValue {
    if (node === null) return this.#resolvePlain('')
    if (node.kind === 'alias') return this.#composeAlias(node)
    if (node.anchor === undefined) return this.#composeContent(node)
    // From here on the name stands for this node, so one inside it would be the node itself.
    this.#anchors.delete(node.anchor)
    const start = this.#length
    const value = this.#composeContent(node)
    this.#anchors.set(node.anchor, { value, length: this.#length - start })
    return value
  }

  #composeAlias(node: AliasNode): YamlValue {
    const anchored = this.#anchors.get(node.anchor)
    if (anchored === undefined) {
      throw this.#refusal(`refers to ${quoted(node.anchor)}, which is not defined before it`)
    }
    this.#grow(anchored.length)
    return anchored.value
  }

  #composeContent(node: Exclude<Node, AliasNode>): YamlValue {
    if (node.kind === 'scalar') return this.#composeScalar(node)
    this.#grow(1)
    if (node.kind === 'mapping') return this.#composeMap(node)
    return node.items.map((item) => this.compose(item))
  }

  /** Every alias costs what it stands for: a few of them, nested, stand for gigabytes. */
  #grow(length: number): void {
    this.#length += length
    if (this.#length > this.#maxLength) throw this.#refusal('is too long with its aliases written out')
  }

  #composeScalar(node: ScalarNode): YamlScalar {
    this.#grow(node.value.length + 1)
    // An escape such as "\ud800" names half a character, which go-yaml refuses.
    if (/\p{Surrogate}/u.test(node.value)) throw this.#refusal('holds an escape that is not a character')
    if (!node.tagged) {
      return node.style === SCALAR_STYLE.PLAIN ? this.#resolvePlain(node.value) : stringScalar(node.value)
    }
    // A type of YAML's own (!!binary, !!timestamp, !!int, …) changes the value; go-yaml ignores an unknown one.
    if (isForeignTag(node.tag)) return stringScalar(node.value)
    throw this.#refusal(`uses the YAML tag ${quoted(node.tag)}, which is not supported`)
  }

  #composeMap(node: MappingNode): YamlMap {
    const map = new Map<string, YamlValue>()
    for (const item of node.items) {
      if (isMergeKey(item.key)) this.#merge(map, this.compose(item.value))
      else map.set(this.#composeKey(item.key), this.compose(item.value))
    }
    return map
  }

  #composeKey(node: Node): string {
    const key = this.compose(node)
    if ('kind' in key && key.kind !== 'null') return key.text
    throw this.#refusal('holds a map with a key that is no text')
  }

  /** go-yaml's `merge`: of several maps the first one wins. */
  #merge(map: Map<string, YamlValue>, source: YamlValue): void {
    const sources = isYamlList(source) ? source.toReversed() : [source]
    for (const entries of sources) {
      if (!isYamlMap(entries)) throw this.#refusal('merges (<<) something that is no map')
      for (const [key, value] of entries) map.set(key, value)
    }
  }

  #refusal(problem: string): Error {
    return chartInvalid(`${this.#file} ${problem}`)
  }
}

export function isYamlList(value: YamlValue): value is YamlList {
  return Array.isArray(value)
}

export function isYamlMap(value: YamlValue): value is YamlMap {
  return value instanceof Map
}

function isMergeKey(node: Node): boolean {
  return node.kind === 'scalar' && !node.tagged && node.style === SCALAR_STYLE.PLAIN && node.value === '<<'
}

function isForeignTag(tag: string): boolean {
  return tag === '!!str' || /^!(?![!<])/.test(tag)
}
