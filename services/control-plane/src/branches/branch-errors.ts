import { ControlError } from '../errors.ts'

export const branchErrors = {
  notFound: () => new ControlError(404, 'branch_not_found', 'There is no such branch.'),
  nameTaken: (name: string) =>
    new ControlError(409, 'branch_exists', `The project has a branch ${name} already.`),
  branchOfBranch: () =>
    new ControlError(422, 'branch_of_branch', 'This is a branch itself. Make the branch from its parent.'),
  tooMany: (max: number) =>
    new ControlError(422, 'too_many_branches', `A project has ${max} branches at most. Delete one first.`),
  isDefault: () =>
    new ControlError(
      422,
      'default_branch',
      'This is the project itself, its default branch. Only other branches can be merged, pushed, reset and deleted.',
    ),
}
