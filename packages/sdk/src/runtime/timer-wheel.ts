import type { Timer } from '@inmesh/core';

const slotMs = 4;
const slotCount = 1024;

/** A node of the ring list of its slot; it is in a list while `next` is set. */
class WheelTimer implements Timer {
  next: WheelTimer | undefined = undefined;
  previous: WheelTimer | undefined = undefined;
  dueSlot = 0;
  fire: () => void;

  constructor(
    private readonly wheel: TimerWheel | undefined,
    fire: () => void,
  ) {
    this.fire = fire;
  }

  cancel(): void {
    if (this.next !== undefined && this.wheel !== undefined) this.wheel.remove(this);
  }
}

/**
 * Many timers over one timer of Node's: setting and cancelling cost a list operation each, which matters because nearly
 * every timer of a call path is cancelled. Fires up to one slot (4 ms) late, never early.
 */
export class TimerWheel {
  readonly #slots: WheelTimer[] = [];
  #count = 0;
  /** The last slot number that has been emptied; slot numbers count on without end. */
  #current: number;
  #armedFor = Number.POSITIVE_INFINITY;
  #nodeTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly now: () => number,
    private readonly keepsProcessAlive: boolean,
  ) {
    this.#current = Math.floor(now() / slotMs);
    for (let i = 0; i < slotCount; i += 1) this.#slots.push(newList());
  }

  set(delayMs: number, fire: () => void): Timer {
    const timer = new WheelTimer(this, fire);
    const due = Math.ceil((this.now() + Math.max(0, delayMs)) / slotMs);
    timer.dueSlot = Math.max(due, this.#current + 1);
    link(this.#slots[timer.dueSlot % slotCount]!, timer);
    this.#count += 1;
    if (this.#count === 1 && this.keepsProcessAlive) this.#nodeTimer?.ref();
    if (timer.dueSlot < this.#armedFor) this.#arm(timer.dueSlot);
    return timer;
  }

  remove(timer: WheelTimer): void {
    unlink(timer);
    this.#count -= 1;
    if (this.#count === 0) this.#nodeTimer?.unref();
  }

  get pending(): number {
    return this.#count;
  }

  #arm(slot: number): void {
    clearTimeout(this.#nodeTimer);
    // A timer further away than one turn of the wheel is looked at once a turn, which also keeps below Node's 2^31-1 ms.
    this.#armedFor = Math.min(slot, this.#current + slotCount);
    const delay = Math.max(0, this.#armedFor * slotMs - this.now());
    this.#nodeTimer = setTimeout(() => this.#turn(), delay);
    if (!this.keepsProcessAlive || this.#count === 0) this.#nodeTimer.unref();
  }

  #turn(): void {
    this.#armedFor = Number.POSITIVE_INFINITY;
    const until = Math.floor(this.now() / slotMs);
    const from = Math.max(this.#current + 1, until - slotCount + 1);
    this.#current = until;
    const due = newList();
    for (let slot = from; slot <= until; slot += 1) this.#takeDue(this.#slots[slot % slotCount]!, until, due);
    while (due.next !== due) {
      const timer = due.next!;
      this.remove(timer);
      timer.fire();
    }
    if (this.#count > 0) this.#armNext();
  }

  #takeDue(list: WheelTimer, until: number, due: WheelTimer): void {
    for (let timer = list.next!; timer !== list; ) {
      const next = timer.next!;
      if (timer.dueSlot <= until) {
        unlink(timer);
        link(due, timer);
      }
      timer = next;
    }
  }

  #armNext(): void {
    for (let slot = this.#current + 1; slot <= this.#current + slotCount; slot += 1) {
      const list = this.#slots[slot % slotCount]!;
      if (list.next !== list) {
        if (slot < this.#armedFor) this.#arm(slot);
        return;
      }
    }
  }
}

function newList(): WheelTimer {
  const head = new WheelTimer(undefined, () => {});
  head.next = head;
  head.previous = head;
  return head;
}

function link(list: WheelTimer, timer: WheelTimer): void {
  timer.previous = list.previous;
  timer.next = list;
  list.previous!.next = timer;
  list.previous = timer;
}

function unlink(timer: WheelTimer): void {
  timer.previous!.next = timer.next;
  timer.next!.previous = timer.previous;
  timer.next = undefined;
  timer.previous = undefined;
}
