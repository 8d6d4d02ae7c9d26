import { connect, connectAccounts } from '../../connect.ts'
import { printJson, renderTable, type Terminal } from '../../terminal.ts'
import type { JsonOption } from '../../accounts-program.ts'

export async function listOrganizations(terminal: Terminal, options: JsonOption): Promise<void> {
  const organizations = await (await connect(terminal)).listOrganizations()
  if (options.json === true) return printJson(terminal, organizations)
  if (organizations.length === 0)
    return terminal.out('You are in no organization. Make one with: npx favo organizations create NAME\n')
  terminal.out(
    renderTable(
      ['SLUG', 'NAME'],
      organizations.map(({ slug, name }) => [slug, name]),
    ),
  )
}

export async function createOrganization(
  terminal: Terminal,
  name: string,
  options: JsonOption,
): Promise<void> {
  const made = await (await connectAccounts(terminal)).createOrganization(name)
  if (options.json === true) return printJson(terminal, made)
  terminal.out(`Made ${made.name}. Its slug is ${made.slug}.\n`)
}

export async function deleteOrganization(
  terminal: Terminal,
  slug: string,
  options: JsonOption,
): Promise<void> {
  const gone = await (await connectAccounts(terminal)).deleteOrganization(slug)
  if (options.json === true) return printJson(terminal, gone)
  terminal.out(`Deleted ${gone.name}.\n`)
}

export async function transferProject(
  terminal: Terminal,
  ref: string,
  slug: string,
  options: JsonOption,
): Promise<void> {
  const project = await (await connectAccounts(terminal)).transferProject(ref, slug)
  if (options.json === true) return printJson(terminal, project)
  terminal.out(`${ref} belongs to ${slug} now.\n`)
}
