#!/usr/bin/env ruby
# Unique ids with a race: between reading the counter and writing it, the thread logs.
require 'json'

$stdout.sync = true
$name, $counter = nil, 0

def handle(message)
  source, body = message['src'], message['body']
  answer = { type: "#{body['type']}_ok", in_reply_to: body['msg_id'] }
  if body['type'] == 'init'
    $name = body['node_id']
  else
    number = $counter
    $stderr.puts "number #{number}"
    $counter = number + 1
    answer[:id] = "#{$name}-#{number}"
  end
  $stdout.write(JSON.generate(src: $name, dest: source, body: answer) + "\n")
end

$stdin.each_line { |line| Thread.new { handle(JSON.parse(line)) } }
