import { type Command } from 'commander'
import { webhooksOf } from '../app/webhooks.ts'
import { type WebhookRecord } from '../catalog/outbox.ts'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'
import { deliver } from '../webhooks/deliver.ts'
import { pingMessage } from '../webhooks/message.ts'
import { type Webhook } from '../webhooks/webhook.ts'
import { cliActor, type CliContext } from './context.ts'
import { withConfigOptions } from './options.ts'
import { renderTable } from './table.ts'
import { withCatalogIfAny } from './with-catalog.ts'

export function addWebhook(program: Command, context: CliContext): void {
  const webhook = program.command('webhook').description('look at webhooks, and try them')
  withConfigOptions(webhook.command('list'))
    .description('list the webhooks, with what each has still to be told of')
    .action(async (flags: ConfigFlags) => {
      const config = await loadConfig(flags, context.environment)
      const records = await withCatalogIfAny(config, async (catalog) => catalog?.outbox.listWebhooks() ?? [])
      const rows = webhooksOf(config).map(({ url }, place) => {
        const record = records.find((candidate) => candidate.url === url.href)
        return [String(place + 1), url.href, ...describeRecord(record)]
      })
      if (rows.length === 0) context.print('there are no webhooks: see "webhooks" in chartroom.yaml')
      else renderTable([HEADING, ...rows]).forEach(context.print)
    })
  withConfigOptions(webhook.command('test <url>'))
    .description('send a ping to a webhook, named by its URL or by its number in "webhook list"')
    .action(async (text: string, flags: ConfigFlags) => {
      const config = await loadConfig(flags, context.environment)
      const target = findWebhook(webhooksOf(config), text)
      const { who, at } = cliActor(context)
      const message = pingMessage(who, at, config.url)
      const attempt = await deliver(target, message, { now: context.now, signal: context.terminated })
      if (attempt.kind === 'failed') {
        throw new AppError('unavailable', `${target.url.href}: ${attempt.reason}`)
      }
      context.print(`${target.url.href}: took the ping ${message.id} (${attempt.status})`)
    })
}

const HEADING = ['', 'URL', 'CURSOR', 'BACKLOG', 'ATTEMPTS', 'NEXT ATTEMPT', 'LAST ERROR']

function describeRecord(record: WebhookRecord | undefined): readonly string[] {
  if (record === undefined) return ['not yet known to a server']
  const { cursor, backlog, attempts, nextAttemptAt, failure } = record
  return [
    String(cursor),
    String(backlog),
    String(attempts),
    nextAttemptAt?.toISOString() ?? '-',
    failure === undefined ? '-' : `${failure.at.toISOString()} ${failure.reason}`,
  ]
}

function findWebhook(webhooks: readonly Webhook[], text: string): Webhook {
  const found = /^\d+$/.test(text)
    ? webhooks[Number(text) - 1]
    : webhooks.find(({ url }) => url.href === text || url.href === `${text}/`)
  if (found === undefined) {
    throw new AppError('request-invalid', `there is no webhook ${quoted(text)}: see "chartroom webhook list"`)
  }
  return found
}
