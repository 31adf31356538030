namespace Benchmarks;

/// <summary>One question that the bench answers, as one file in <c>Suites/</c> and one line in <see cref="Program"/>.</summary>
internal interface ISuite
{
    /// <summary>The word on the command line, and the name of the result file.</summary>
    string Name { get; }

    /// <summary>One sentence for the help.</summary>
    string Question { get; }

    /// <summary>About how long it takes.</summary>
    TimeSpan Estimate(SuiteOptions options);

    /// <summary>Measures, says its progress on standard output, and returns the report as Markdown without its heading: what goes on with the list that describes the machine, an empty line, the rest.</summary>
    Task<string> RunAsync(SuiteOptions options, CancellationToken cancellationToken);
}
