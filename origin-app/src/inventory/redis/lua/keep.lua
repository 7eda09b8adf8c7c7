-- keep: keeps the seats of a fan's hold for a payment, however long that takes. Again changes nothing.
--
-- ARGV[2..3]  reservation, fan
-- Reply       its line then, or nil where this fan has none
-- Cost        O(1); where the hold has lapsed, O(its seats)

if not is_loaded() then return not_loaded() end
local holding = find(ARGV[2])
if not holding or holding.fan ~= ARGV[3] then return false end
if holding.state == 'held' then
  if holding.until_ms <= now then
    close(holding, 'expired')
  else
    set_state(holding, 'kept')
    redis.call('ZREM', EXPIRY, holding.id)
    save(holding)
  end
end
return text_of(holding)
