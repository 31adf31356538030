namespace ProtoServer.LoadTest.CommandLine;

/// <summary>What the process says when it ends.</summary>
internal static class ExitCode
{
    public const int Good = 0;

    /// <summary>The arguments make no sense.</summary>
    public const int Usage = 1;

    /// <summary>No connection could be made.</summary>
    public const int CouldNotConnect = 2;

    /// <summary>The generator was the bottleneck: the figures are not valid.</summary>
    public const int Saturated = 3;

    /// <summary>A condition of <c>--fail-if</c> held, or a comparison found a regression. The number that k6 uses.</summary>
    public const int ThresholdBroken = 99;

    /// <summary>Ctrl-C or SIGTERM; the report was written all the same.</summary>
    public const int Interrupted = 130;
}
