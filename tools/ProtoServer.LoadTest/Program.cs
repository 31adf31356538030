using ProtoServer.LoadTest.CommandLine;

return await ProtoLoadCommand.InvokeAsync(args, Console.Out, Console.Error).ConfigureAwait(false);
