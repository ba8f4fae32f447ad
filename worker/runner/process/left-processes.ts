import { join } from 'node:path'
import { hasProcessTable, pidsByHome, signalIfThere } from '../process-table.ts'

/**
 * Kills what a run left behind, also what had left its process group: told by its HOME, which is in the run's folder. A
 * process that changes its HOME before it hides is not found.
 */
export async function endProcessesOf(folder: string): Promise<void> {
  if (!hasProcessTable()) return
  for (const pid of await pidsByHome(join(folder, 'home'))) signalIfThere(pid, 'SIGKILL')
}
