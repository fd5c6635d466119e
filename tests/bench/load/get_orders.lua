-- wrk: reads one order a request. Arguments: the file of ids, one UUID a line, a seed, the token, and maybe
-- "close": a connection each.
local threads = 0
local requests = {}

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(args)
   local connection = args[4] == "close" and "Connection: close\r\n" or ""
   for line in io.lines(args[1]) do
      requests[#requests + 1] = ("GET /api/orders/%s HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Bearer %s\r\n%s\r\n"):format(
         line, wrk.host, wrk.port, args[3], connection)
   end
   math.randomseed(tonumber(args[2]) * 1000 + number)
end

function request()
   return requests[math.random(#requests)]
end

function done(summary, latency)
   local errors = summary.errors
   print(("RESULT %d %d %d %d %d %d"):format(
      summary.requests, summary.duration, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50), latency:percentile(99)))
end
