/** The API's types under short names. They are generated: npm run types. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type Overview = Schemas['Overview'];
export type Call = Schemas['Call'];
export type FilterView = Schemas['FilterView'];
export type Drop = Schemas['Drop'];
export type Leg = Schemas['Leg'];
export type Heard = Schemas['Heard'];
export type Diagnosis = Schemas['Diagnosis'];
export type EndedCall = Schemas['EndedCall'];
export type Load = Schemas['Load'];
export type Trunk = Schemas['Trunk'];
export type PeerServer = Schemas['PeerServer'];
export type Phones = Schemas['Phones'];
export type Phone = Schemas['Phone'];
export type Warning = Schemas['Warning'];
export type Emergency = Schemas['Emergency'];
export type EmergencyException = Schemas['EmergencyException'];
export type TrunkAccount = Schemas['TrunkAccount'];
export type PBX = Schemas['PBX'];
export type Refusal = Schemas['Refusal'];
export type Step = Schemas['Step'];
export type FraudBlock = Schemas['FraudBlock'];
export type Credential = Schemas['Credential'];
export type Counter = Schemas['Counter'];
export type Revision = Schemas['Revision'];
export type Session = Schemas['Session'];
export type ImportResult = Schemas['ImportResult'];
export type Rehearsal = Schemas['Rehearsal'];
export type Stick = Schemas['Stick'];
export type System = Schemas['System'];
export type Delivered = Schemas['Delivered'];
export type Change = Schemas['Change'];
export type Authority = Schemas['AuthorityCertificate'];
export type Problem = Schemas['Problem'];
export type Fault = Schemas['Fault'];
