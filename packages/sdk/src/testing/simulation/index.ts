export type { Behaviour, SimulatedAnswer, SimulatedRequest } from './behaviour.js';
export type { CallListener, Outcome, SimulatedClient, SimulatedRequestInit } from './client.js';
export type { Violation } from './invariants.js';
export type { SimulatedNetwork, SimulatedServer } from './network.js';
export { checkRandomScenario, runRandomScenario, type ScenarioReport } from './random-scenario.js';
export { Simulation, type SimulationOptions } from './simulation.js';
