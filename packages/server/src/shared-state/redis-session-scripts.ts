// Redis runs each of these as a whole, so that no node sees a session half changed. Times are Redis' own, in milliseconds.
const now = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * KEYS: all sessions, the owner's, the session. ARGV: its id, idle time, most, most of an owner, prefix of sessions' keys,
 * owner, client. Gives 1 or 0 (too many), and the owner's session that ended for it.
 */
export const beginScript = `${now}
local id, idle, ended = ARGV[1], tonumber(ARGV[2]), ''
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then
  ended = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  redis.call('DEL', ARGV[5] .. ended, ARGV[5] .. ended .. ':events')
  redis.call('ZREM', KEYS[1], ended)
  redis.call('ZREM', KEYS[2], ended)
end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return {0, ended} end
redis.call('HSET', KEYS[3], 'owner', ARGV[6], 'client', ARGV[7], 'of', KEYS[2])
redis.call('PEXPIRE', KEYS[3], idle)
for index = 1, 2 do
  redis.call('ZADD', KEYS[index], now + idle, id)
  redis.call('PEXPIRE', KEYS[index], idle)
end
return {1, ended}
`;

/** KEYS: all sessions, the session, its events. ARGV: its id, idle time. Gives its fields, and lets it live on. */
export const findScript = `${now}
if redis.call('EXISTS', KEYS[2]) == 0 then return nil end
local idle = tonumber(ARGV[2])
local found = redis.call('HMGET', KEYS[2], 'owner', 'client', 'logLevel', 'delivered', 'of')
for _, key in ipairs({KEYS[1], found[5]}) do
  redis.call('ZADD', key, now + idle, ARGV[1])
  redis.call('PEXPIRE', key, idle)
end
redis.call('PEXPIRE', KEYS[2], idle)
redis.call('PEXPIRE', KEYS[3], idle)
return found
`;

/** KEYS: all sessions, the owner's, the session, its events. ARGV: its id. */
export const endScript = `
redis.call('DEL', KEYS[3], KEYS[4])
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.status_reply('OK')
`;

/**
 * KEYS: the session, its events. ARGV: stream, message, pending requests, most bytes, most events, idle time. Gives the
 * event's id, or nothing when the session has ended.
 */
export const appendScript = `
if redis.call('EXISTS', KEYS[1]) == 0 then return nil end
local id = redis.call('XADD', KEYS[2], '*', 'stream', ARGV[1], 'message', ARGV[2], 'pending', ARGV[3])
local bytes = redis.call('HINCRBY', KEYS[1], 'bytes', #ARGV[2])
while bytes > tonumber(ARGV[4]) or redis.call('XLEN', KEYS[2]) > tonumber(ARGV[5]) do
  local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
  redis.call('XDEL', KEYS[2], oldest[1])
  bytes = redis.call('HINCRBY', KEYS[1], 'bytes', 0 - #oldest[2][4])
end
redis.call('PEXPIRE', KEYS[2], tonumber(ARGV[6]))
return id
`;

/** KEYS: the session. ARGV: the field of a subscription, how many there may be. Gives 1, or 0 (too many, or no session). */
export const subscribeScript = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 1 end
if tonumber(redis.call('HGET', KEYS[1], 'subscriptions') or 0) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], 1)
redis.call('HINCRBY', KEYS[1], 'subscriptions', 1)
return 1
`;

/** KEYS: the session. ARGV: the field of a subscription. */
export const unsubscribeScript = `
if redis.call('HDEL', KEYS[1], ARGV[1]) == 1 then redis.call('HINCRBY', KEYS[1], 'subscriptions', -1) end
return redis.status_reply('OK')
`;
