import { type ApiClient, createApiClient, type NewToken, type RolloutView } from '@rampart/api';
import { FLAG_CONFIGURED, openItems, ROLLBACK_TESTED, servedMs } from '@rampart/rollout';

/** The people of the demo, each with a token of their own. */
export type Cast = Readonly<Record<'ana' | 'olga' | 'pia', ApiClient>>;

const ROLES = { ana: 'operator', olga: 'observer', pia: 'approver' } as const satisfies Record<
  string,
  NewToken['kind']
>;

type Part = { readonly who: keyof Cast; readonly evidence: string };

/** Items that Rampart gives itself: it looks at the flag, and runs a drill in the app's SDK. */
const BY_RAMPART: readonly string[] = [FLAG_CONFIGURED, ROLLBACK_TESTED];
/** Item whose evidence is the address of the numbers of the demo's server. */
const DASHBOARDS = 'dashboards-ready';

/** Who gives an item, and on what grounds; it stands in the report. */
const PARTS: Readonly<Record<string, Part>> = {
  'launch-readiness': {
    who: 'pia',
    evidence: 'examples/summarizer/README.md: nobody outside this machine is concerned',
  },
  'No critical bugs': { who: 'olga', evidence: 'no critical issue is open' },
  'docs-updated': { who: 'ana', evidence: 'examples/summarizer/README.md' },
  'flag-cleanup-scheduled': { who: 'ana', evidence: 'the old variant stays as long as there is a demo' },
};

/** Share of a stage that people wait and watch before they confirm anything. */
const WATCHED_SHARE = 0.5;

/** Makes the tokens of the cast. */
export async function hire(admin: ApiClient, url: string, platformFetch: typeof fetch): Promise<Cast> {
  const client = async (name: keyof Cast): Promise<ApiClient> => {
    const { token } = await admin.createToken({ kind: ROLES[name], name, principal: 'person' });
    return createApiClient({ url, token, fetch: platformFetch });
  };
  const [ana, olga, pia] = await Promise.all([client('ana'), client('olga'), client('pia')]);
  return { ana, olga, pia };
}

/** Gives what people can give now: pre-flight at once, confirmations and exit items after half the stage. `url`: of the server. */
export async function attend({ state, now }: RolloutView, cast: Cast, url: string): Promise<void> {
  const isInStage = state.stage !== undefined && (state.phase === 'exposing' || state.phase === 'monitoring');
  if (isInStage && servedMs(state, now) < WATCHED_SHARE * (state.stage?.durationMs ?? 0)) return;
  for (const item of itemsNow(state)) {
    const { who, evidence } = partOf(item, url);
    await cast[who].command(state.id, { type: 'Approve', item, evidence });
  }
}

function partOf(item: string, url: string): Part {
  if (item === DASHBOARDS) return { who: 'olga', evidence: `${url}/metrics` };
  return PARTS[item] ?? { who: 'ana', evidence: 'given for the demo' };
}

/** Exit items are given at the end, though they could be given sooner. */
function itemsNow(state: RolloutView['state']): readonly string[] {
  const isExit = (item: string): boolean => Object.hasOwn(state.exit, item);
  const mayGive = (item: string): boolean => state.phase !== 'preflight' || !BY_RAMPART.includes(item);
  return openItems(state).filter((item) => mayGive(item) && (state.phase !== 'exposing' || !isExit(item)));
}
