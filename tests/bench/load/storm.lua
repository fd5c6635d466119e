-- wrk: brings a token that is none with each request, no two alike. Arguments: the id of the key that they name, how long a
-- connection waits between two requests in ms, and from how many addresses they say to come.
local head = "POST /api/orders HTTP/1.1\r\nHost: %s:%s\r\nContent-Type: application/json\r\nContent-Length: 2\r\n" ..
             "X-Forwarded-For: 2001:db8:%x:%x::1\r\nAuthorization: Bearer %s.%s.%s\r\n\r\n{}"
local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
local claims = ("eyJpc3MiOiJ1cm46Y2FydHdoZWVsOmxvY2FsIiwiYXVkIjoiY2FydHdoZWVsIn0"):rep(4)
local pause, addresses, header

local function encode(text)
   local bits, encoded = "", ""
   for i = 1, #text do
      local byte = text:byte(i)
      for bit = 7, 0, -1 do
         bits = bits .. math.floor(byte / 2 ^ bit) % 2
      end
   end
   for six in (bits .. ("0"):rep(-#bits % 6)):gmatch("......") do
      local at = tonumber(six, 2) + 1
      encoded = encoded .. letters:sub(at, at)
   end
   return encoded
end

local function noise(n)
   local text = {}
   for i = 1, n do
      local at = math.random(#letters)
      text[i] = letters:sub(at, at)
   end
   return table.concat(text)
end

function init(args)
   header = encode(('{"typ":"at+jwt","alg":"ES256","kid":"%s"}'):format(args[1]))
   pause, addresses = tonumber(args[2]), tonumber(args[3])
end

function delay()
   return pause
end

function request()
   local address = math.random(0, addresses - 1)
   -- 64 bytes are 86 letters, and the last of them says two bits
   return head:format(wrk.host, wrk.port, math.floor(address / 65536), address % 65536, header,
                      claims .. noise(8), noise(16) .. ("k7"):rep(34) .. "xA")
end

function done(summary, latency)
   local errors = summary.errors
   print(("RESULT %d %d %d %d %d %d"):format(
      summary.requests, summary.duration, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50), latency:percentile(99)))
end
