%% Registers the accounts listed in /testday/in/accounts when ejabberd has started and before it accepts its first client, without a
%% command line tool or an HTTP listener, which cost 300 and 10 ms an account.
-module(mod_testday_accounts).
-export([start/2, stop/1, reload/3, depends/2, mod_options/1, mod_doc/0, register/0]).

%% Authentication starts after the modules, so registration must wait for it. Adding the same hook for each host adds it once.
start(_Host, _Opts) ->
    ejabberd_hooks:add(ejabberd_started, ?MODULE, register, 1).

register() ->
    {ok, Data} = file:read_file("/testday/in/accounts"),
    Lines = binary:split(Data, <<"\n">>, [global, trim_all]),
    lists:foreach(fun(Line) ->
                      [Host, User, Password] = binary:split(Line, <<" ">>, [global]),
                      ok = ejabberd_auth:try_register(User, Host, Password)
                  end, Lines),
    error_logger:info_msg("Registered ~B accounts", [length(Lines)]).

stop(_Host) -> ok.
reload(_Host, _New, _Old) -> ok.
depends(_Host, _Opts) -> [].
mod_options(_Host) -> [].
mod_doc() -> #{}.
