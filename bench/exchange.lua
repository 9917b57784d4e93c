-- Sends the requests of a file in turn: one a line, "PATH<tab>HEADER VALUE<tab>BODY".
local requests = {}
local at = 0

function init(args)
  for line in io.lines(args[1]) do
    local path, bearer, body = line:match("^([^\t]*)\t([^\t]*)\t(.*)$")
    local headers = {}
    if bearer ~= "" then headers["Authorization"] = "Bearer " .. bearer end
    if body ~= "" then
      headers["Content-Type"] = "application/x-www-form-urlencoded"
      requests[#requests + 1] = wrk.format("POST", path, headers, body)
    else
      requests[#requests + 1] = wrk.format("GET", path, headers)
    end
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read
    + summary.errors.write + summary.errors.timeout
  print(string.format("RESULT %d %d %d %d %d", summary.requests, summary.duration,
    bad, latency:percentile(50), latency:percentile(99)))
end
