namespace Tour.Tests;

public class LongRunningTests
{
    [Theory]
    [InlineData(TourProcess.SigInt)]
    [InlineData(TourProcess.SigTerm)]
    [Trait("Conformance", "U3")]
    [Trait("Conformance", "U9")]
    public async Task Signal_Once_CancelsMainWhoseCleanupRuns(int signal)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals are raised by kill(2).");
        using var tour = new TourProcess("long-running", "--cleanup-seconds", "0.01");
        await tour.ReadUntilAsync("woke up");
        tour.Signal(signal);
        string[] rest = await tour.ReadToEndAsync();
        Assert.Equal(["Caught the cancel before throwing again", "Cleaned up", "Catching shutdown", "Shut down"], rest.Where(line => line != "woke up"));
        Assert.Equal(0, await tour.WaitForExitAsync());
    }

    [Theory]
    [InlineData(TourProcess.SigInt)]
    [InlineData(TourProcess.SigTerm)]
    [Trait("Conformance", "U3")]
    public async Task Signal_Twice_EndsAtOnce(int signal)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals are raised by kill(2).");
        using var tour = new TourProcess("long-running", "--cleanup-seconds", "3600");
        await tour.ReadUntilAsync("woke up");
        tour.Signal(signal);
        await tour.ReadUntilAsync("Caught the cancel before throwing again");
        tour.Signal(signal);
        Assert.DoesNotContain("Cleaned up", await tour.ReadToEndAsync());
        Assert.NotEqual(0, await tour.WaitForExitAsync());
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("NaN")]
    [InlineData("1e9")]
    public async Task CleanupSeconds_OutOfRange_AreRefusedBeforeAnythingRuns(string seconds)
    {
        using var tour = new TourProcess("long-running", "--cleanup-seconds", seconds);
        Assert.Contains("0 to 86400", await tour.ReadErrorLineAsync());
        Assert.NotEqual(0, await tour.WaitForExitAsync());
    }

    [Fact]
    public async Task Quit_ShowsTheTasksAndGoesOn()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Signals are raised by kill(2).");
        using var tour = new TourProcess("long-running");
        await tour.ReadUntilAsync("woke up");
        tour.Signal(TourProcess.SigQuit);
        // No further: main may be between printing and its next wait.
        Assert.Contains("1 task", await tour.ReadErrorLineAsync());
        Assert.Equal("(T) main", await tour.ReadErrorLineAsync());
        await tour.ReadUntilAsync("woke up");
    }

    [Fact]
    public async Task All_EndsByItselfAndNamesEverySection()
    {
        using var tour = new TourProcess();
        string[] lines = await tour.ReadToEndAsync();
        Assert.Equal(0, await tour.WaitForExitAsync());
        Assert.Equal(Section.All.Select(section => $"# {section.Name}: {section.Title}"), lines.Where(line => line.StartsWith('#')));
    }
}
