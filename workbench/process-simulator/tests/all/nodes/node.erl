%% Broadcast, in Erlang: processes, timers, and a scheduler of its own.
-module(node).
-export([main/0]).

main() ->
    ok = io:setopts([binary, {encoding, latin1}]),
    Self = self(),
    Node = spawn(fun() -> receive start -> loop(#{name => <<>>, peers => [], known => [], owed => #{}}) end end),
    Node ! start,
    timer:send_interval(100, Node, gossip),
    read(Node, Self).

read(Node, Self) ->
    case io:get_line("") of
        eof -> halt(0);
        Line -> Node ! {line, Line}, read(Node, Self)
    end.

text(Line, Pattern) ->
    case re:run(Line, Pattern, [{capture, all_but_first, binary}]) of
        {match, [Text]} -> Text;
        nomatch -> <<>>
    end.

items(Text) -> [binary:replace(Item, <<"\"">>, <<>>, [global]) || Item <- binary:split(Text, <<",">>, [global]), Item =/= <<>>].

joined(Items) -> lists:join(<<",">>, Items).

send(#{name := Name}, Dest, Body) ->
    io:put_chars([<<"{\"src\":\"">>, Name, <<"\",\"dest\":\"">>, Dest, <<"\",\"body\":{">>, Body, <<"}}\n">>]).

learn(State, Values, Source) ->
    lists:foldl(fun(Value, #{known := Known, owed := Owed} = It) ->
        case lists:member(Value, Known) of
            true -> It;
            false -> It#{known := [Value | Known], owed := maps:map(fun
                (Peer, List) when Peer =:= Source -> List;
                (_, List) -> [Value | List]
            end, Owed)}
        end
    end, State, Values).

loop(State) ->
    receive
        gossip ->
            #{owed := Owed} = State,
            [send(State, Peer, [<<"\"type\":\"gossip\",\"values\":[">>, joined(List), <<"]">>])
             || {Peer, List} <- lists:sort(maps:to_list(Owed)), List =/= []],
            loop(State);
        {line, Line} ->
            Source = text(Line, <<"\"src\":\"([^\"]*)\"">>),
            Type = text(Line, <<"\"type\":\"([^\"]*)\"">>),
            loop(handle(Type, Line, Source, State))
    end.

answer(State, Type, Line, Source, More) ->
    send(State, Source, [<<"\"type\":\"">>, Type, <<"_ok\",\"in_reply_to\":">>, text(Line, <<"\"msg_id\":(\\d+)">>), More]).

handle(<<"init">> = Type, Line, Source, State) ->
    New = State#{name := text(Line, <<"\"node_id\":\"([^\"]*)\"">>)},
    answer(New, Type, Line, Source, []),
    New;
handle(<<"topology">> = Type, Line, Source, #{name := Name} = State) ->
    Peers = items(text(Line, [<<"\"">>, Name, <<"\":\\[([^\\]]*)\\]">>])),
    answer(State, Type, Line, Source, []),
    State#{peers := Peers, owed := maps:from_list([{Peer, []} || Peer <- Peers])};
handle(<<"broadcast">> = Type, Line, Source, State) ->
    answer(State, Type, Line, Source, []),
    learn(State, [text(Line, <<"\"message\":(\\d+)">>)], Source);
handle(<<"read">> = Type, Line, Source, #{known := Known} = State) ->
    answer(State, Type, Line, Source, [<<",\"messages\":[">>, joined(Known), <<"]">>]),
    State;
handle(<<"gossip">>, Line, Source, State) ->
    Values = text(Line, <<"\"values\":\\[([^\\]]*)\\]">>),
    send(State, Source, [<<"\"type\":\"seen\",\"values\":[">>, Values, <<"]">>]),
    learn(State, items(Values), Source);
handle(<<"seen">>, Line, Source, #{owed := Owed} = State) ->
    Values = items(text(Line, <<"\"values\":\\[([^\\]]*)\\]">>)),
    State#{owed := maps:update_with(Source, fun(List) -> List -- Values end, Owed)}.
