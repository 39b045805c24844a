import type { Envoy } from './envoy.js';

/** Calls at a constant rate, whether those before are answered or not. */
export function steadyLoad(envoy: Pick<Envoy, 'answer'>, host: string, perSecond = 100) {
  const answers: string[] = [];
  const open = new Set<Promise<void>>();
  const send = () => {
    const call = envoy.answer(host).then((answer) => void answers.push(answer));
    open.add(call);
    void call.then(() => open.delete(call));
  };
  const timer = setInterval(send, 1000 / perSecond);
  return {
    /** In the order in which they came. */
    answers,
    /** How often the last answers in a row were this one. */
    streak(answer: string): number {
      const other = answers.findLastIndex((one) => one !== answer);
      return answers.length - 1 - other;
    },
    /** Settles when all calls are answered, with the answers that were no success. */
    async stop(): Promise<string[]> {
      clearInterval(timer);
      await Promise.all(open);
      return answers.filter((answer) => !answer.startsWith('200 '));
    },
  };
}
