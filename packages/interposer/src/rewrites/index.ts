import { textOf, type Node } from '../tree.ts'
import { comment, grantOnDatabase } from './databases.ts'
import {
  alterEventTrigger,
  alterEventTriggerOwner,
  createEventTrigger,
  dropEventTriggers,
  renameEventTrigger,
} from './event-triggers.ts'
import { createExtension, setExtensionSchema, updateExtension } from './extensions.ts'
import { rewriteNamedRoles } from './named-roles.ts'
import { alterSchemaOwner, alterTableOwner, createSchemaFor } from './owners.ts'
import { alterPublication, createPublication } from './publications.ts'
import type { Rewrite, Source } from './rewrite.ts'
import {
  alterRole,
  createRole,
  dropOwned,
  dropRole,
  grantRole,
  reassignOwned,
  renameRole,
  setRole,
} from './roles.ts'
import { alterDatabaseSet, alterRoleSet } from './settings.ts'

/** By the parser's name of the statement, and the kind of its object where the statement is about many kinds. */
const rewrites: Readonly<Record<string, Rewrite>> = {
  AlterDatabaseSetStmt: alterDatabaseSet,
  AlterRoleSetStmt: alterRoleSet,
  CreateRoleStmt: createRole,
  AlterRoleStmt: alterRole,
  DropRoleStmt: dropRole,
  GrantRoleStmt: grantRole,
  VariableSetStmt: setRole,
  ReassignOwnedStmt: reassignOwned,
  DropOwnedStmt: dropOwned,
  'RenameStmt OBJECT_ROLE': renameRole,
  CreateEventTrigStmt: createEventTrigger,
  AlterEventTrigStmt: alterEventTrigger,
  'DropStmt OBJECT_EVENT_TRIGGER': dropEventTriggers,
  'RenameStmt OBJECT_EVENT_TRIGGER': renameEventTrigger,
  'AlterOwnerStmt OBJECT_EVENT_TRIGGER': alterEventTriggerOwner,
  'GrantStmt OBJECT_DATABASE': grantOnDatabase,
  AlterTableStmt: alterTableOwner,
  'AlterOwnerStmt OBJECT_SCHEMA': alterSchemaOwner,
  CreateSchemaStmt: createSchemaFor,
  CommentStmt: comment,
  CreateExtensionStmt: createExtension,
  AlterExtensionStmt: updateExtension,
  'AlterObjectSchemaStmt OBJECT_EXTENSION': setExtensionSchema,
  CreatePublicationStmt: createPublication,
  AlterPublicationStmt: alterPublication,
}

export function rewrite(type: string, node: Node, source: Source): readonly string[] | null {
  const object =
    textOf(node, 'objtype') ??
    textOf(node, 'objectType') ??
    textOf(node, 'renameType') ??
    textOf(node, 'removeType')
  const found = rewrites[`${type} ${object ?? ''}`] ?? rewrites[type]
  const calls = found?.(node, source) ?? rewriteNamedRoles(type, node, source)
  return calls === null || calls.length === 0 ? null : calls
}
