-- wrk: places orders of one item each, of distinct customers over the products of a list.
-- Arguments: the file of products, one UUID a line, a seed, and the token.
local json = [[{"customerId":"%s","items":[{"productId":"%s","quantity":1,"unitPrice":19.99}],"currency":"EUR"}]]
local uuid = "%08x-%04x-4%03x-8%03x-%06x%06x"
local threads = 0
local products = {}
local head

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(args)
   for line in io.lines(args[1]) do
      products[#products + 1] = line
   end
   math.randomseed(tonumber(args[2]) * 1000 + number)
   local example = json:format(("x"):rep(36), ("x"):rep(36))
   head = ("POST /api/orders HTTP/1.1\r\nHost: %s:%s\r\nContent-Type: application/json\r\n" ..
           "Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n"):format(wrk.host, wrk.port, args[3], #example)
end

function request()
   local random = math.random
   local customer = uuid:format(random(0, 0xffffffff), random(0, 0xffff), random(0, 0xfff),
                                random(0, 0xfff), random(0, 0xffffff), random(0, 0xffffff))
   return head .. json:format(customer, products[random(#products)])
end

function done(summary, latency)
   local errors = summary.errors
   print(("RESULT %d %d %d %d %d %d"):format(
      summary.requests, summary.duration, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout,
      latency:percentile(50), latency:percentile(99)))
end
