import assert from 'node:assert/strict'
import { resolvePlainScalar } from '../../../src/chart/yaml-scalar.ts'

/** What sigs.k8s.io/yaml 1.4.0 made of each, read into a string. */
const NUMBERS: readonly (readonly [source: string, text: string])[] = [
  ['1.10', '1.1'],
  ['1.0', '1'],
  ['5.', '5'],
  ['.5', '0.5'],
  ['-.5', '-0.5'],
  ['+1.5', '1.5'],
  ['+15', '15'],
  ['-0', '0'],
  ['-0.0', '-0'],
  ['00', '0'],
  ['0777', '511'],
  ['0o17', '15'],
  ['0O17', '15'],
  ['08', '8'],
  ['07.5', '7.5'],
  ['0x1F', '31'],
  ['0X1F', '31'],
  ['-0x10', '-16'],
  ['0x_1F', '31'],
  ['0b11', '3'],
  ['0B11', '3'],
  ['-0b11', '-3'],
  ['1_000', '1000'],
  ['1__0', '10'],
  ['1_', '1'],
  ['1_0.5_0', '10.5'],
  ['.5_5', '0.55'],
  ['1e3', '1000'],
  ['1E3', '1000'],
  ['1e+3', '1000'],
  ['1e20', '1e+20'],
  ['1e21', '1e+21'],
  ['999999.0', '999999'],
  ['1000000.0', '1e+06'],
  ['123456.5', '123456.5'],
  ['1234567.5', '1.2345675e+06'],
  ['12345678.0', '1.2345678e+07'],
  ['123456789.5', '1.2345679e+08'],
  ['0.0001', '0.0001'],
  ['0.00001', '1e-05'],
  // Halfway between two decimals: the even one.
  ['47209.563', '47209.562'],
  ['325813.125', '325813.12'],
  // A power of two, which has more room above.
  ['1.26217744835361888866e-29', '1.2621775e-29'],
  ['1e-50', '0'],
  ['3.4028234e38', '3.4028235e+38'],
  ['1e40', '+Inf'],
  ['-1e40', '-Inf'],
  ['.inf', '+Inf'],
  ['+.INF', '+Inf'],
  ['-.Inf', '-Inf'],
  ['.NaN', 'NaN'],
  ['9223372036854775807', '9223372036854775807'],
  ['9223372036854775808', '9223372036854775808'],
  ['18446744073709551615', '18446744073709551615'],
  ['18446744073709551616', '1.8446744e+19'],
  ['+18446744073709551615', '1.8446744e+19'],
  ['-9223372036854775808', '-9223372036854775808'],
  ['-9223372036854775809', '-9.223372e+18'],
]

const STRINGS = [
  'text',
  '2024-01-01',
  '1:30',
  '190:20:30',
  '1.2.3',
  'v1.0.0',
  '1e400',
  '0x1p4',
  '0xFFFFFFFFFFFFFFFFF',
  '0x',
  '._',
  '.',
  '.5_',
  '.5e',
  '+',
  '1e',
  '=',
  'nan',
  'Infinity',
  'tRUE',
  'Nope',
  '_1',
]

describe('resolvePlainScalar', () => {
  for (const [source, text] of NUMBERS) {
    it(`reads ${source} as the number ${text}`, () => {
      assert.deepEqual(resolvePlainScalar(source), { kind: 'number', text })
    })
  }

  for (const source of STRINGS) {
    it(`leaves ${source} as text`, () => {
      assert.deepEqual(resolvePlainScalar(source), { kind: 'string', text: source })
    })
  }

  it('reads the words of YAML 1.1 for true and false', () => {
    for (const word of ['true', 'True', 'TRUE', 'yes', 'Yes', 'YES', 'on', 'On', 'ON', 'y', 'Y']) {
      assert.deepEqual(resolvePlainScalar(word), { kind: 'boolean', text: 'true' }, word)
    }
    for (const word of ['false', 'False', 'FALSE', 'no', 'No', 'NO', 'off', 'Off', 'OFF', 'n', 'N']) {
      assert.deepEqual(resolvePlainScalar(word), { kind: 'boolean', text: 'false' }, word)
    }
  })

  it('reads null in its spellings, and nothing at all, as no text', () => {
    for (const word of ['', '~', 'null', 'Null', 'NULL']) {
      assert.deepEqual(resolvePlainScalar(word), { kind: 'null', text: '' }, word)
    }
  })
})
