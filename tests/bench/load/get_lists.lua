-- wrk: asks for the same page of a list again and again. Arguments: its path and query, and the token.
local asked

function init(args)
   asked = ("GET %s HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Bearer %s\r\n\r\n"):format(args[1], wrk.host, wrk.port, args[2])
end

function request()
   return asked
end

function done(summary, latency)
   local errors = summary.errors
   print(("RESULT %d %d %d %d %d %d"):format(
      summary.requests, summary.duration, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50), latency:percentile(99)))
end
