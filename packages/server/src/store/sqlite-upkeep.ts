import type { DatabaseSync } from 'node:sqlite';
import type { Request, Results, SettleRequest, TelemetryRequest, TelemetryWithRequest } from './sqlite-request.ts';
import { numberIn, textIn } from './sqlite-row.ts';
import { createPutDocuments } from './sqlite-write.ts';
import { BATCH_ID_KEEP_MS, DONE_KEEP_MS, type OutboxClaim } from './store.ts';

/** Gives the function that keeps one telemetry batch. */
export function createPutTelemetry(db: DatabaseSync): (request: Omit<TelemetryRequest, 'op'>) => Results['telemetry'] {
  const remember = db.prepare('INSERT INTO telemetry_ids (batch_id, received_at) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const advance = db.prepare(
    `INSERT INTO telemetry_senders (sender, last_sequence, seen_at) VALUES (?, ?, ?)
     ON CONFLICT (sender) DO UPDATE SET last_sequence = excluded.last_sequence, seen_at = excluded.seen_at
     WHERE excluded.last_sequence > last_sequence`,
  );
  const insert = db.prepare('INSERT INTO telemetry (received_at, body) VALUES (?, ?) RETURNING seq');
  const address = db.prepare('INSERT INTO telemetry_rollouts (rollout, seq) VALUES (?, ?)');
  return ({ batchId, sender, receivedAt, rollouts, bodies }) => {
    const noted = sender ? advance.run(sender.id, sender.sequence, receivedAt) : remember.run(batchId, receivedAt);
    if (noted.changes === 0) return 'duplicate';
    if (rollouts.length === 0) return 'accepted';
    const seqs = bodies.map((body) => numberIn(insert.get(receivedAt, body), 'seq'));
    for (const [i, rollout] of rollouts.entries()) address.run(rollout, seqs[i] ?? seqs[0] ?? null);
    return 'accepted';
  };
}

/** Gives the function that keeps one telemetry batch and writes the documents beside it. */
export function createPutTelemetryWith(
  db: DatabaseSync,
  putTelemetry: ReturnType<typeof createPutTelemetry>,
): (request: TelemetryWithRequest) => Results['telemetryWith'] {
  const putDocuments = createPutDocuments(db);
  return (request) => {
    const status = putTelemetry(request);
    return status === 'duplicate' ? status : (putDocuments(request) ?? status);
  };
}

/**
 * Gives the function that leases due messages to an owner. A message is held back by an earlier one of its matter that
 * falls due later, is with another owner, or is not of the priorities asked for.
 */
export function createClaim(db: DatabaseSync): (claim: OutboxClaim) => Results['claim'] {
  const claim = db.prepare(
    `UPDATE outbox SET owner = ?1, leased_until = ?2 + ?3, attempts = attempts + 1 WHERE id IN (
       SELECT id FROM outbox AS one WHERE state = 'pending' AND destination = ?5 AND priority BETWEEN ?6 AND ?7
       AND max(due_at, leased_until) <= ?2
       AND (priority = 0 OR NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.state = 'pending'
         AND earlier.destination = one.destination AND earlier.matter = one.matter AND earlier.id < one.id
         AND earlier.priority <= one.priority
         AND (earlier.priority < ?6 OR earlier.due_at > ?2 OR (earlier.leased_until > ?2 AND earlier.owner <> ?1))))
       ORDER BY priority, id LIMIT ?4)
     RETURNING id, key, destination, kind, body, due_at, priority, matter, attempts, leased_until`,
  );
  return ({ destination, priorities, now, limit, leaseMs, owner }) => {
    const messages = claim.all(owner, now, leaseMs, limit, destination, ...priorities).map((row) => ({
      id: numberIn(row, 'id'),
      key: textIn(row, 'key'),
      destination: textIn(row, 'destination'),
      kind: textIn(row, 'kind'),
      body: textIn(row, 'body'),
      dueAt: numberIn(row, 'due_at'),
      priority: numberIn(row, 'priority'),
      ...(typeof row.matter === 'string' && { group: row.matter }),
      attempts: numberIn(row, 'attempts'),
      leasedUntil: numberIn(row, 'leased_until'),
    }));
    return messages.sort((a, b) => a.priority - b.priority || a.id - b.id);
  };
}

/** Gives the function that ends a lease: delivered, to be repeated, or given up. */
export function createSettle(db: DatabaseSync): (request: SettleRequest) => boolean {
  // The lease of a delivered message stays as the time it was done, for `prune`.
  const settle = db.prepare(
    `UPDATE outbox SET state = ?3, due_at = coalesce(?4, due_at), error = coalesce(?5, error), owner = NULL,
       leased_until = iif(?3 = 'done', leased_until, 0)
     WHERE id = ?1 AND owner = ?2 AND state = 'pending'`,
  );
  return ({ id, owner, state, dueAt, error }) => settle.run(id, owner, state, dueAt, error).changes === 1;
}

/** Gives the function that makes a dead letter pending again. */
export function createRevive(db: DatabaseSync): (id: number) => boolean {
  const revive = db.prepare(`UPDATE outbox SET state = 'pending', attempts = 0 WHERE id = ? AND state = 'dead'`);
  return (id) => revive.run(id).changes === 1;
}

/** Gives the function that removes what is no longer needed. */
export function createPrune(db: DatabaseSync): (request: Extract<Request, { op: 'prune' }>) => Results['prune'] {
  const release = db.prepare(
    `DELETE FROM telemetry_rollouts WHERE (rollout, seq) IN (
       SELECT r.rollout, r.seq FROM telemetry_folded f JOIN telemetry_rollouts r
       ON r.rollout = f.rollout AND r.seq <= f.through_seq LIMIT ?) RETURNING seq`,
  );
  const dropBodies = db.prepare(
    `DELETE FROM telemetry WHERE seq IN (SELECT value FROM json_each(?))
     AND NOT EXISTS (SELECT 1 FROM telemetry_rollouts r WHERE r.seq = telemetry.seq)`,
  );
  const dropIds = db.prepare(
    'DELETE FROM telemetry_ids WHERE batch_id IN (SELECT batch_id FROM telemetry_ids WHERE received_at < ? LIMIT ?)',
  );
  const dropSenders = db.prepare(
    'DELETE FROM telemetry_senders WHERE sender IN (SELECT sender FROM telemetry_senders WHERE seen_at < ? LIMIT ?)',
  );
  const dropEvidence = db.prepare(
    `DELETE FROM evidence WHERE rowid IN (
       SELECT rowid FROM evidence WHERE rollout IN (SELECT value FROM json_each(?)) ORDER BY rollout, seq LIMIT ?)`,
  );
  const dropDone = db.prepare(
    `DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE state = 'done' AND leased_until < ? ORDER BY id LIMIT ?)`,
  );
  const dropReplies = db.prepare(
    'DELETE FROM replies WHERE key IN (SELECT key FROM replies WHERE expires_at <= ? LIMIT ?)',
  );
  return ({ now, limit, evidenceOf }) => {
    const released = release.all(limit).map((row) => numberIn(row, 'seq'));
    const telemetry = Number(dropBodies.run(JSON.stringify(released)).changes);
    const ids = Number(dropIds.run(now - BATCH_ID_KEEP_MS, limit).changes);
    const senders = Number(dropSenders.run(now - BATCH_ID_KEEP_MS, limit).changes);
    const evidence = Number(dropEvidence.run(JSON.stringify(evidenceOf), limit).changes);
    const outbox = Number(dropDone.run(now - DONE_KEEP_MS, limit).changes);
    const replies = Number(dropReplies.run(now, limit).changes);
    const more = [released.length, ids, senders, evidence, outbox, replies].some((count) => count >= limit);
    return { telemetry, batchIds: ids + senders, evidence, outbox, replies, more };
  };
}
