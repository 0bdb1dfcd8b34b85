create schema audit;
comment on schema audit is 'Who changed what, from what, to what. Written by triggers only.';

create schema mart;
comment on schema mart is 'The star and its summaries, and a view or function for every visual of the reports. Written by mart.refresh and mart.rebuild.';

create schema api;
comment on schema api is 'What an application may use: views and functions, and nothing behind them.';
