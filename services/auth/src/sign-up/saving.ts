import { DatabaseError } from '@favo/postgres'
import { authErrors } from '../errors.ts'

/** What goes wrong while a user is stored is the project's own triggers', as a rule. */
export async function saving<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof DatabaseError)
      throw authErrors.unexpectedFailure('Database error saving new user', error)
    throw error
  }
}
