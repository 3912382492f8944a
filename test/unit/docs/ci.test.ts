import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { runChartroom } from '../../support/command-line.ts'

const TEXT = readFileSync(join(import.meta.dirname, '../../../docs/ci.md'), 'utf8')

interface Step {
  readonly name?: string
  readonly run?: string
}

describe('docs/ci.md', () => {
  function blocks(language: string): readonly string[] {
    return Array.from(
      TEXT.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm')),
      ([, text = '']) => text,
    )
  }

  function githubSteps(): readonly Step[] {
    const { jobs } = load(blocks('yaml')[0] ?? '') as { jobs: { publish: { steps: readonly Step[] } } }
    return jobs.publish.steps
  }

  function gitlabScript(): string {
    const jobs = load(blocks('yaml')[1] ?? '') as { 'publish-charts': { script: readonly string[] } }
    return jobs['publish-charts'].script.join('\n')
  }

  function jenkinsScript(): string {
    return /sh '''\n([^]*?)'''/.exec(blocks('groovy')[0] ?? '')?.[1] ?? ''
  }

  function scripts(): readonly string[] {
    const github = githubSteps().flatMap(({ run }) => run ?? [])
    return [...github, gitlabScript(), jenkinsScript(), ...blocks('sh')]
  }

  it('has a pipeline for each of the three, and YAML that can be read', () => {
    assert.deepEqual([blocks('yaml').length, blocks('groovy').length], [2, 1])
    assert.deepEqual(
      githubSteps().map(({ name }) => name),
      [undefined, 'Write the client certificate', 'Publish', 'Remove the client certificate'],
    )
  })

  it('has scripts that a shell can read', () => {
    assert.equal(scripts().length, 8)
    for (const script of scripts()) execFileSync('sh', ['-n'], { input: script })
  })

  it('writes keys that nobody else can read, and removes them', () => {
    const github = githubSteps()
      .map(({ run }) => run ?? '')
      .join('\n')
    for (const script of [github, gitlabScript(), jenkinsScript()]) {
      assert.ok(script.includes('umask 077') && script.indexOf('umask 077') < script.indexOf('tls.key'))
      assert.match(script, /rm -rf "\$/)
    }
  })

  it('closes what it opens in Groovy', () => {
    const open: string[] = []
    for (const [bracket] of (blocks('groovy')[0] ?? '')
      .replace(/'''[^]*?'''|'[^']*'/g, '')
      .matchAll(/[()[\]{}]/g)) {
      const opener = { ')': '(', ']': '[', '}': '{' }[bracket]
      if (opener === undefined) open.push(bracket)
      else assert.equal(open.pop(), opener)
    }
    assert.deepEqual(open, [])
  })

  it('names no option that the command does not have', async () => {
    const { stdout } = await runChartroom(['publish', '--help'])
    const known = new Set(stdout.match(/--[a-z-]+/g))
    const published = scripts().flatMap(
      (script) => /\bpublish charts\b[^]*/.exec(script)?.[0].match(/--[a-z-]+/g) ?? [],
    )
    assert.equal(published.length, 16)
    const described = /## chartroom publish\n[^]*?\n## /.exec(TEXT)?.[0].match(/`--[a-z-]+/g) ?? []
    const mentioned = described
      .map((text) => text.slice(1))
      .filter((flag) => flag !== '--insecure-skip-tls-verify')
    for (const flag of [...published, ...mentioned]) assert.ok(known.has(flag), flag)
  })
})
