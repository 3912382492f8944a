import assert from 'node:assert/strict'
import { HelmIgnore, type PathKind } from '../../../src/publishing/helm-ignore.ts'

/** Rules, a path (a directory's ends with a slash), and whether it is ignored. */
type Row = readonly [rules: string, path: string, ignored: boolean]

describe('HelmIgnore', () => {
  function ignores(rules: string, path: string): boolean {
    const kind: PathKind = path.endsWith('/') ? 'directory' : 'file'
    return HelmIgnore.parse(rules).ignores(path.replace(/\/$/, ''), kind)
  }

  describe('decides as the table of Helm’s own tests does (pkg/ignore/rules_test.go)', () => {
    const rows: readonly Row[] = [
      ['helm.txt', 'helm.txt', true],
      ['helm.*', 'helm.txt', true],
      ['helm.*', 'rudder.txt', false],
      ['*.txt', 'tiller.txt', true],
      ['*.txt', 'cargo/a.txt', true],
      ['cargo/*.txt', 'cargo/a.txt', true],
      ['cargo/*.*', 'cargo/a.txt', true],
      ['cargo/*.txt', 'mast/a.txt', false],
      ['ru[c-e]?er.txt', 'rudder.txt', true],
      ['templates/.?*', 'templates/.dotfile', true],
      ['.*', '.joonix', true],
      ['.*', 'helm.txt', false],
      ['cargo/', 'cargo/', true],
      ['cargo/', 'mast/', false],
      ['helm.txt/', 'helm.txt', false],
      ['!helm.txt', 'helm.txt', false],
      ['!helm.txt', 'tiller.txt', true],
      ['!*.txt', 'cargo', true],
      ['!cargo/', 'mast/', true],
      ['/a.txt', 'a.txt', true],
      ['/a.txt', 'cargo/a.txt', false],
      ['/cargo/a.txt', 'cargo/a.txt', true],
    ]
    for (const [rules, path, ignored] of rows) {
      it(`${rules} ${ignored ? 'ignores' : 'keeps'} ${path}`, () => {
        assert.equal(ignores(rules, path), ignored)
      })
    }
  })

  describe('reads patterns as Go’s filepath.Match does', () => {
    const rows: readonly Row[] = [
      ['a*c', 'abbc', true],
      ['x/a*c', 'x/ab/c', false],
      ['x/a?c', 'x/a/c', false],
      ['?', '😀', true],
      ['[^a-c]x', 'dx', true],
      ['[^a-c]x', 'bx', false],
      ['[a^]x', '^x', true],
      [String.raw`\*x`, '*x', true],
      [String.raw`\*x`, 'ax', false],
      [String.raw`[\]\-]x`, ']x', true],
      [String.raw`[\]\-]x`, '-x', true],
      ['[z-a]x', 'mx', false],
      ['[z-ab]x', 'bx', true],
      ['a.c', 'abc', false],
      ['a+(b)|c{1}$', 'a+(b)|c{1}$', true],
      ['a]', 'a]', true],
      ['A', 'a', false],
    ]
    for (const [rules, path, ignored] of rows) {
      it(`${rules} ${ignored ? 'ignores' : 'keeps'} ${path}`, () => {
        assert.equal(ignores(rules, path), ignored)
      })
    }
  })

  it('passes over comments, blank lines, and blanks around a rule', () => {
    const rules = '# a.txt\r\n\r\n  b.txt \r\n'
    assert.deepEqual(
      ['a.txt', 'b.txt', 'c.txt'].map((path) => ignores(rules, path)),
      [false, true, false],
    )
  })

  it('ignores files with a leading dot in templates, whatever the rules say', () => {
    assert.equal(ignores('', 'templates/.swp'), true)
    assert.equal(ignores('', 'charts/sub/templates/.swp'), false)
  })

  it('lets a negated rule ignore all that it does not match, as Helm does', () => {
    const rules = '!keep.txt\nkeep.txt'
    assert.equal(ignores(rules, 'Chart.yaml'), true)
    assert.equal(ignores(rules, 'keep.txt'), true)
  })

  for (const [rule, why] of [
    ['foo/**/bar', /double star/],
    ['[z-', /no pattern/],
    ['[]', /no pattern/],
    ['[^]', /no pattern/],
    ['[]a]', /no pattern/],
    ['a\\', /no pattern/],
  ] as const) {
    it(`refuses ${rule}`, () => {
      assert.throws(() => HelmIgnore.parse(rule), { code: 'chart-invalid', message: why })
    })
  }
})
