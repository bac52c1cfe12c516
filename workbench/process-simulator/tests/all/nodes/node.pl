#!/usr/bin/perl
# Broadcast, in Perl: one thread that waits with select, and hashes in random order.
use strict;
use warnings;
use IO::Select;
use JSON::PP;
use Time::HiRes qw(time);

$| = 1;
my ($name, @peers, %known, %owed);

sub send_to {
    my ($dest, $body) = @_;
    print encode_json({src => $name, dest => $dest, body => $body}), "\n";
}

sub learn {
    my ($values, $source) = @_;
    for my $value (@$values) {
        next if $known{$value}++;
        $owed{$_}{$value} = 1 for grep { $_ ne $source } @peers;
    }
}

sub numbers { [map { $_ + 0 } keys %{$_[0]}] }

sub handle {
    my $message = decode_json($_[0]);
    my ($source, $body) = ($message->{src}, $message->{body});
    my $type = $body->{type};
    my $answer = {type => "${type}_ok", in_reply_to => $body->{msg_id}};
    if ($type eq 'init') { $name = $body->{node_id} }
    elsif ($type eq 'topology') { @peers = @{$body->{topology}{$name}} }
    elsif ($type eq 'broadcast') { learn([$body->{message}], $source) }
    elsif ($type eq 'read') { $answer->{messages} = numbers(\%known) }
    elsif ($type eq 'gossip') {
        learn($body->{values}, $source);
        $answer = {type => 'seen', values => $body->{values}};
    } elsif ($type eq 'seen') {
        delete $owed{$source}{$_} for @{$body->{values}};
        return;
    }
    send_to($source, $answer);
}

my ($select, $buffer) = (IO::Select->new(\*STDIN), '');
my $next = time + 0.1;
while (1) {
    my $wait = $next - time;
    if ($wait > 0 && $select->can_read($wait)) {
        last unless sysread STDIN, $buffer, 65536, length $buffer;
        handle($1) while $buffer =~ s/^(.*)\n//;
    }
    next if time < $next;
    $next = time + 0.1 + rand 0.01;
    for my $peer (@peers) {
        send_to($peer, {type => 'gossip', values => numbers($owed{$peer})}) if %{$owed{$peer} // {}};
    }
}
