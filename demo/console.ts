import { formatDuration } from '../src/base/durations.ts';
import { playConsoleStory } from './console-story.ts';
import { openStage, type Background, type Stage } from './stage.ts';
import { pause, say } from './story.ts';

export interface ConsoleDemoOptions {
  readonly data: string | undefined;
  readonly plays: number;
  readonly major: number;
  /** Of the console, on loopback; 0 for any. */
  readonly port: number;
}

/** Two clusters with a story, in the console until somebody ends it; then nothing is left of them. */
export async function runConsoleDemo(options: ConsoleDemoOptions): Promise<number> {
  const startedMs = Date.now();
  const over = new AbortController();
  const onSignal = (): void => over.abort();
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  say(`two clusters of PostgreSQL ${options.major}, in a temporary directory`);
  const stage = await openStage(options.major, { ownProject: true });
  const running: Background[] = [];
  try {
    running.push(...(await playConsoleStory(stage, options, over.signal)));
    const { console, link } = await openConsole(stage, options.port);
    running.push(console);
    say(`ready in ${formatDuration(Date.now() - startedMs)}`);
    process.stdout.write(`  open     ${link}\n  it signs in once, as operator; Ctrl-C ends everything and removes it\n`);
    await ended(over.signal);
    say('ending');
    return 0;
  } catch (error) {
    if (!over.signal.aborted) throw error;
    return 130;
  } finally {
    await Promise.allSettled(running.map(async (each) => await each.stop()));
    await stage.close();
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
  }
}

async function openConsole(stage: Stage, port: number): Promise<{ readonly console: Background; readonly link: string }> {
  say('the console');
  const console = stage.background(['console', '--listen', `127.0.0.1:${port}`]);
  for (;;) {
    const link = /https?:\/\/\S+(?=\n)/.exec(console.printed())?.[0];
    if (link !== undefined) return { console, link };
    console.demandRunning();
    await pause(50);
  }
}

async function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
