import { describeActivity, type Activity } from '../../migrate/watch/activity.ts';
import type { Output } from '../output.ts';

/** Shows what a running statement does or waits for; on a terminal in place. */
export function activityLine(output: Output): (activity: Activity | undefined) => void {
  const line = output.live();
  return (activity) => {
    const text = activity === undefined ? undefined : describeActivity(activity);
    if (text === undefined) line.clear();
    // The same wait behind the same sessions is one piece of news, however long it takes.
    else line.show(text, activity?.blockers.map(({ pid }) => pid).join());
  };
}
