#!/usr/bin/env ruby
# Broadcast, in Ruby: a thread that gossips, and hashes of strings.
require 'json'

$name, $peers, $known, $owed = nil, [], {}, {}
$lock = Mutex.new

def send_to(dest, body)
  puts JSON.generate(src: $name, dest: dest, body: body)
  $stdout.flush
end

def learn(values, source)
  values.each do |value|
    next if $known[value]
    $known[value] = true
    $peers.each { |peer| $owed[peer][value] = true unless peer == source }
  end
end

Thread.new do
  loop do
    sleep 0.1 + rand * 0.01
    $lock.synchronize do
      $peers.shuffle.each do |peer|
        values = $owed[peer].keys
        send_to(peer, type: 'gossip', values: values, at: Time.now.to_f) unless values.empty?
      end
    end
  end
end

$stdin.each_line do |line|
  message = JSON.parse(line)
  source, body = message['src'], message['body']
  answer = { type: "#{body['type']}_ok", in_reply_to: body['msg_id'] }
  $lock.synchronize do
    case body['type']
    when 'init' then $name = body['node_id']
    when 'topology'
      $peers = body['topology'][$name]
      $peers.each { |peer| $owed[peer] = {} }
    when 'broadcast' then learn([body['message']], source)
    when 'read' then answer[:messages] = $known.keys
    when 'gossip'
      learn(body['values'], source)
      answer = { type: 'seen', values: body['values'] }
    when 'seen'
      body['values'].each { |value| $owed[source].delete(value) }
      answer = nil
    end
    send_to(source, answer) if answer
  end
end
