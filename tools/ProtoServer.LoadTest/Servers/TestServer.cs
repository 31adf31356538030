using System.Net.Sockets;
using ProtoServer.LoadTest.CommandLine;
using ProtoServer.LoadTest.Plan;

namespace ProtoServer.LoadTest.Servers;

/// <summary><c>--serve</c>: serves until Ctrl-C, then says how many faults it made.</summary>
internal static class TestServer
{
    public static int Run(FaultPlan faults, Target listen, TextWriter output, TextWriter error)
    {
        if (listen.UnixPath is not null)
        {
            error.WriteLine("--listen: the test server listens on TCP only.");
            return ExitCode.Usage;
        }
        try
        {
            EventLoop.Run(async loop =>
            {
                Server server = loop.CreateServer(faults.CreateProtocol, listen.Host, listen.Port);
                output.WriteLine($"{Describe(faults)} on {new Target(listen.Host, server.Port, null)}, until Ctrl-C");
                await server.ServeForeverAsync().ConfigureAwait(true);
            });
        }
        catch (SocketException exception)
        {
            error.WriteLine(exception.Message);
            return ExitCode.CouldNotConnect;
        }
        catch (OperationCanceledException)
        {
            // The regular end of serving for ever.
        }
        output.WriteLine($"faults made: {Quantity.Count(faults.Faults)}");
        return ExitCode.Good;
    }

    private static string Describe(FaultPlan faults) => faults.Mode switch
    {
        ServeMode.Stall => $"echo that freezes for {Quantity.Option(faults.StallFor)}, once, {Quantity.Option(faults.StallAfter)} after the first bytes,",
        ServeMode.Flip => $"echo that flips one byte in {Quantity.Count(faults.Every)}",
        ServeMode.Drop => $"echo that drops one reply in {Quantity.Count(faults.Every)}",
        ServeMode.Sink => "sink",
        _ => "echo",
    };
}
